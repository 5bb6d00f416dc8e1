module certrotate-bench/govalidate

go 1.24.0
