"""The only code that talks to the outside world, one file per channel. It decides nothing and knows no database."""
