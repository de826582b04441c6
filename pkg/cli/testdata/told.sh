#!/bin/sh
# What a program is told by watch --exec: our own variables, and not those of the user.
env | grep TLXHOOK_
