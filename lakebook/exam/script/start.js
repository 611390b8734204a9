/* All is defined; wake up what stands on this page. */

document.querySelectorAll(".lbx-quiz").forEach(review);
document.querySelectorAll(".lbx-mock").forEach((root) => new Exam(root));
