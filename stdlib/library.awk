# Writes files as a table of C strings (compiler/front/library.h): -v table=NAME -v header=FILE.
FNR == 1 { files[++count] = FILENAME; text[count] = "" }
{
  gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\?/, "\\?")
  text[count] = text[count] "    \"" $0 "\\n\"\n"
}
END {
  print "/* Written by stdlib/library.awk. */\n#include \"" header "\"\n"
  for (i = 1; i <= count; i++) printf "static const char text_%d[] =\n%s    ;\n\n", i, text[i]
  print "const struct library_file " table "[] = {"
  for (i = 1; i <= count; i++) printf "  {\"%s\", text_%d, sizeof text_%d - 1},\n", files[i], i, i
  print "  {0},\n};"
}
