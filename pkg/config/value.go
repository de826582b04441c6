package config

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/viper"
)

// The getters of viper return zero for an invalid value; these return an error.

func text(v *viper.Viper, key string) string { return fmt.Sprint(v.Get(key)) }

func number(v *viper.Viper, key string) (int64, error) {
	return strconv.ParseInt(text(v, key), 10, 64)
}

func boolean(v *viper.Viper, key string) (bool, error) {
	return strconv.ParseBool(text(v, key))
}

func duration(v *viper.Viper, key string) (time.Duration, error) {
	return time.ParseDuration(text(v, key))
}
