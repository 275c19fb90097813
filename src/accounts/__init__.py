"""People and machines: who buys, who works here, and who may do what where. Owns customers with their addresses, users,
roles and store memberships, logins and API keys; not the stores themselves."""
