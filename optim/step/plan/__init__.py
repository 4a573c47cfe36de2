"""Which parameters one launch updates, and what stays from step to step."""
