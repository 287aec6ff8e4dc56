# Writes the files of the standard library as a table of C strings (compiler/front/library.h).
FNR == 1 { files[++count] = FILENAME; text[count] = "" }
{
  gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\?/, "\\?")
  text[count] = text[count] "    \"" $0 "\\n\"\n"
}
END {
  print "/* Written by stdlib/library.awk. */\n#include \"front/library.h\"\n"
  for (i = 1; i <= count; i++) printf "static const char text_%d[] =\n%s    ;\n\n", i, text[i]
  print "const struct library_file library_files[] = {"
  for (i = 1; i <= count; i++) printf "  {\"%s\", text_%d, sizeof text_%d - 1},\n", files[i], i, i
  print "  {0},\n};"
}
