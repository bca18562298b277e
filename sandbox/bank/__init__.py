"""A Turkmen bank's payment gateway: register.do and its family, the form for a card, and no notifications at all."""
