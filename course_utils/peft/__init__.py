"""Parameter-efficient fine-tuning: adapters inside the layers, and soft prompts."""
