"""An independent reading of ordinary Markdown sites, and the comparison of gqlnews with it.

The reading is plain Python over the files, written from the description of the file formats and from the
documentation of the generators. It imports nothing of gqlnews.
"""
