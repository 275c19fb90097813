"""The pages for the staff of stores, warehouse and head office: interface calls only, no rows of its own."""
