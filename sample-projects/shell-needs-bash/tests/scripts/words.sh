#!/bin/sh
set -- one two three
echo "$# words, the last is $3"
