"""What the contenders do on images: a module for each, a function for each kind of case."""
