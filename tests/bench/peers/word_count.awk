# Workload C, final counts, in awk, for words without quotes: awk -f word_count.awk FILE
NR > 1 { counts[$0]++ }
END { for (word in counts) print "{\"word\": \"" word "\", \"count\": " counts[word] "}" }
