"""What may come in and what goes out: one marshmallow schema per message, every public field by name.

Input schemas load and refuse; output schemas say what an answer holds (`openapi.json` is made of them, and the tests
hold every answer against them). Nothing here reads the database.
"""
