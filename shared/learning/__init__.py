"""What a county's own history teaches about texts: trained by a command, kept in a file, asked by intake.

scikit-learn on jieba tokens; a file holds arrays and texts alone (skops), so that reading one can run nothing.
"""
