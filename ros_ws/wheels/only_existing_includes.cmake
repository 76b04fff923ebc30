# ROS interface generators from Python wheels name include folders of the machine that built the wheels, and CMake
# refuses folders that do not exist. Given as -DCMAKE_PROJECT_INCLUDE, this drops them from imported targets once the
# project is configured; headers of Python and NumPy come from the running interpreter anyway.
function(keep_only_existing_includes)
  get_directory_property(targets IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(folders)
      set(kept "")
      foreach(folder IN LISTS folders)
        if(NOT folder MATCHES "^/opt/python/" OR EXISTS "${folder}")
          list(APPEND kept "${folder}")
        endif()
      endforeach()
      set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${kept}")
    endif()
  endforeach()
endfunction()

cmake_language(DEFER CALL keep_only_existing_includes)
