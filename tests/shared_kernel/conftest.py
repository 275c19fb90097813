from hypothesis import settings

# A machine busy with other tests may take its time over one example.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
