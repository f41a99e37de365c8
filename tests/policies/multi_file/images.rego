# The reasons about images.
package multi_file

import data.library.images

deny contains sprintf("%s comes from %s", [input.image, images.registry]) if not images.is_trusted(images.registry)
