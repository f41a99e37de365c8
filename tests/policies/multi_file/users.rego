# The reasons about users: the same package in another file.
package multi_file

deny contains "runs as root" if input.user == "root"
