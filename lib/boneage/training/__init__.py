"""The training line: from a folder of radiographs to weights in the models folder."""
