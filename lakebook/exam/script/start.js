/* All is defined; wake up what stands on this page. */

document.querySelectorAll(".lbx-quiz").forEach(review);
document.querySelectorAll(".lbx-practice").forEach((root) => new Practice(root));
document.querySelectorAll(".lbx-today").forEach(today);
document.querySelectorAll(".lbx-mock").forEach((root) => new Exam(root));
