"""Fine-tuning on your own records: `python -m course_utils.finetune --data FILE --out FOLDER`."""
