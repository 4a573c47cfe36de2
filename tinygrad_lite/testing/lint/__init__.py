"""`lint`: the mistakes that training loops make, found in their first steps."""
