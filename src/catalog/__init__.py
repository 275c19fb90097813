"""What is sold: products, categories, prices, barcodes. Owns no quantity: how many there are is inventory's alone."""
