"""People: who works here and may do what where. Owns users, roles and store memberships; not the stores themselves."""
