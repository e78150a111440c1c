# cmake -DSIM=<coord_sim> -DSEED=<seed> -DTRACE=<path> -P same_trace.cmake
foreach(command swarm paxos)
  foreach(run 1 2)
    execute_process(
      COMMAND ${SIM} ${command} --seeds 1 --seed ${SEED} --trace ${TRACE}_${command}_${run}
      RESULT_VARIABLE result OUTPUT_QUIET)
    if(NOT result EQUAL 0)
      message(FATAL_ERROR "seed ${SEED} of ${command} failed")
    endif()
  endforeach()
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E compare_files ${TRACE}_${command}_1 ${TRACE}_${command}_2
    RESULT_VARIABLE differ)
  if(NOT differ EQUAL 0)
    message(FATAL_ERROR
      "seed ${SEED}: ${TRACE}_${command}_1 and ${TRACE}_${command}_2 differ")
  endif()
  file(REMOVE ${TRACE}_${command}_1 ${TRACE}_${command}_2)
endforeach()
