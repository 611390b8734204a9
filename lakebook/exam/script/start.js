/* All is defined; wake up what stands on this page. */

store.onrefuse = (said) => {
  const place = document.querySelector(".lbx-notice, .lbx-score");
  if (place) place.textContent = `Your workspace cannot keep this on disk: ${said}. It is kept in this browser.`;
};
document.querySelectorAll(".lbx-quiz").forEach(review);
document.querySelectorAll(".lbx-practice").forEach((root) => new Practice(root));
document.querySelectorAll(".lbx-today").forEach(today);
document.querySelectorAll(".lbx-mock").forEach((root) => new Exam(root));
document.querySelectorAll(".lbx-q:not(.lbx-quiz *, .lbx-practice *, .lbx-mock *)").forEach((root) => reporting(root));
if (document.querySelector(".lbx-quiz, .lbx-practice, .lbx-today, .lbx-mock")) record.save();
