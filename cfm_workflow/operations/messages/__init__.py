"""Words to and from customers and colleagues."""
