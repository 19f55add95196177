"""Commands: asked once, sent at most once, and followed until it is known what came of them."""
