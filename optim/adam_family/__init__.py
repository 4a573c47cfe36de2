"""Adam, AdamW, Adamax, NAdam, RAdam, AdaBelief, Adan, AdEMAMix, LAMB, Prodigy, and schedule-free SGD and AdamW."""
