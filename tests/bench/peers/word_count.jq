# Workload C, final counts, in jq: jq -nRc -f word_count.jq FILE
[inputs | select(. != "word")] | group_by(.)[] | {word: .[0], count: length}
