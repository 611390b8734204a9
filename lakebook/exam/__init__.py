"""The question bank, the blueprint, proofs and the pages made of them."""
