"""Checkov loads the files of a folder that has this one."""
