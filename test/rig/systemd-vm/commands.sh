# What comes in on the second serial port: a line is `number base64(command)`, its answer `number exit-code base64(output)`.
# Held open: what comes while nobody has the port open would be lost.
exec 3<>/dev/ttyS1
stty raw -echo <&3
echo "0 0 " >&3
while read -r number command <&3; do
  output=$(sh -c "$(echo "$command" | base64 -d)" 2>&1 </dev/null 3<&-)
  code=$?
  echo "$number $code $(printf '%s' "$output" | base64 | tr -d '\n')" >&3
done
