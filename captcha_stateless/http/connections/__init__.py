"""HTTP connections as ``serve`` keeps them: uvicorn's own, with deadlines and bounds."""
