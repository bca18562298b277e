"""Papers of money: invoices, credit notes and receipts, numbered without gaps and never changed."""
