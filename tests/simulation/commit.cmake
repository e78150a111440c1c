# Writes commit.h, and only if it changed: cmake -DSOURCE=... -DTARGET=... -P commit.cmake
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${TARGET} CONTENT "#define SIMULATION_COMMIT \"${commit}\"\n")
