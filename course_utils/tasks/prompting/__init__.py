"""What lesson 01 asks the two models: word lists, reviews, stories, questions about the policy sheet."""
