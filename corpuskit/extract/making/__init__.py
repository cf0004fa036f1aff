"""Making the models that ship: pages with their true text, Korean pages of our own, labels, training, the card."""
