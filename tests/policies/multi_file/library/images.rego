# What several policies know of images.
package library.images

registry := split(input.image, "/")[0]

is_trusted(name) if name in data.registries
