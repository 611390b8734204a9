/* Where this page runs: here, on its own. The workspace server answers this address itself, with
   the addresses of its labs and experiments and with the reader's progress. */
window.lakebook = null;
