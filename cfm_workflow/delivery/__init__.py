"""The only code that talks to the outside world, one file per channel. It knows no database."""
