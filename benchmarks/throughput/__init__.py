"""How many requests a second gqlnews answers, beside the limit, an ordinary server, and its peers."""
