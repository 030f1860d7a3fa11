# Writes the bytes of a file as a C array: cmake -DIN=zh.mo -DOUT=catalogue_zh.c -DNAME=catalogue_zh -P embed.cmake
file(READ ${IN} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n"
	bytes "${bytes}")
file(WRITE ${OUT} "#include \"client/catalogue.h\"\n\nconst unsigned char ${NAME}[] = {\n${bytes}\n};\n")
