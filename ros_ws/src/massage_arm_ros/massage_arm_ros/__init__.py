"""massage-arm over ROS 2: nodes that run its controller on an arm, and a simulated arm to rehearse with."""
