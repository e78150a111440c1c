# cmake -DIN=<file.proto> -DOUT=<file.proto> -P generate.cmake
#
# Writes the copy of a contract from which protobuf-c generates. The bytes on the wire are the same,
# but the C code sees more of them:
#   string -> bytes        protobuf-c cuts a string at its first NUL and takes any bytes for UTF-8;
#                          as bytes it comes whole, and text.c judges it.
#   Request, Command       as bytes where they are repeated, so that one that does not decode costs
#                          no other, and a command that was forwarded is proposed as it came.
#   service                left out: gRPC methods are registered by name, and protobuf-c's stub for
#                          a method Init collides with its own initialiser.
file(READ "${IN}" text)
string(REGEX REPLACE "\nservice [A-Za-z]+ {[^}]*}\n" "\n" text "${text}")
string(REGEX REPLACE "(\n +(repeated )?)string ([a-z0-9_]+ =)" "\\1bytes \\3" text "${text}")
string(REGEX REPLACE "(\n +)repeated (Request|Command) ([a-z0-9_]+ =)" "\\1repeated bytes \\3" text
       "${text}")
file(WRITE "${OUT}" "${text}")
