#!/bin/bash
words=(one two three)
echo "${#words[@]} words, the last is ${words[-1]}"
