"""What alerts say, how they are kept until they are sent, and how they are sent. Knows no Dagster."""
