# Does rain make posts less joyful? The regression of GET /v1/effect in base R, on the hours of a running server.
#
#     MOODVANE_URL=http://127.0.0.1:8080 Rscript examples/rain_effect.R
#
# It reads the hours as Parquet where the package arrow is installed, else as CSV. MOODVANE_CITY, MOODVANE_BEGIN and
# MOODVANE_END choose the hours; MOODVANE_ZONE is the city's time zone if jsonlite is not installed. The notebook
# rain_effect.ipynb explains each step, and has the interval. The last number printed is the difference.

setting <- function(name, default) {
  value <- Sys.getenv(name)
  if (nzchar(value)) value else default
}
url <- setting("MOODVANE_URL", "http://127.0.0.1:8080")

# The first match of a regular expression's group.
first_group <- function(pattern, text) regmatches(text, regexec(pattern, text))[[1]][2]

fetch <- function(path) paste(readLines(paste0(url, path), warn = FALSE), collapse = "\n")

cities <- fetch("/v1/cities")
city <- setting("MOODVANE_CITY", first_group('"default":"([^"]+)"', cities))
zone <- first_group(sprintf('"id":"%s"[^}]*"zone":"([^"]+)"', city), cities)
today <- as.Date(first_group('"now":"([0-9-]+)T', fetch("/v1/status")))
begin <- setting("MOODVANE_BEGIN", paste0(today - 88, "T00"))
end <- setting("MOODVANE_END", paste0(today - 3, "T23"))

# The hours, in pages that the answers to longer ranges have; each request covers at most a week.
read_page <- function(from, to) {
  has_arrow <- requireNamespace("arrow", quietly = TRUE)
  query <- sprintf(
    "%s/v1/hours?city=%s&begin=%s&end=%s&talk=without&format=%s",
    url, city, format(from, "%Y-%m-%dT%H", tz = "UTC"), format(to, "%Y-%m-%dT%H", tz = "UTC"),
    if (has_arrow) "parquet" else "csv"
  )
  file <- tempfile()
  on.exit(unlink(file))
  download.file(query, file, quiet = TRUE, mode = "wb")
  if (has_arrow) {
    page <- as.data.frame(arrow::read_parquet(file))
  } else {
    page <- read.csv(file, na.strings = "", stringsAsFactors = FALSE)
    page$hour <- as.POSIXct(page$hour, format = "%Y-%m-%dT%H:%M:%SZ", tz = "UTC")
  }
  page[, !names(page) %in% c("minutes_by_source", "temperatures_left_out")]
}
parse_hour <- function(text) as.POSIXct(text, format = "%Y-%m-%dT%H", tz = "UTC")
starts <- seq(parse_hour(begin), parse_hour(end), by = "7 days")
ends <- pmin(starts + 167 * 3600, parse_hour(end))
hours <- do.call(rbind, Map(read_page, starts, ends))

# A row for each hour from here on, so that a shift by rows is a shift by hours.
grid <- data.frame(hour = seq(min(hours$hour), max(hours$hour), by = "hour"))
hours <- merge(grid, hours, by = "hour", all.x = TRUE)
n <- nrow(hours)
shift <- function(values, lag, fill = NA) c(rep(fill, lag), head(values, n - lag))

# Weather of the hour and of the past.
weather <- with(hours, data.frame(
  temperature = temperature_c, humidity = humidity_percent, precipitation = precipitation_mm_per_h,
  wind = wind_m_per_s, cloud = cloud_percent, pressure = pressure_hpa
))
has_posts <- !is.na(hours$direct_feeling)
entering <- names(weather)[sapply(weather, function(v) mean(!is.na(v[has_posts])) >= 0.8)]
known <- !is.na(weather$precipitation) & !is.na(weather$temperature)
wet <- as.numeric(known & weather$precipitation >= 0.1)
sum_of <- function(values, lags) Reduce(`+`, lapply(lags, function(lag) shift(values, lag, 0)))
past <- list()
for (lags in list(1:3, 4:6, 7:12, 13:24)) {
  count <- sum_of(as.numeric(known), lags)
  scale <- ifelse(2 * count >= length(lags), length(lags) / count, NA)
  name <- paste(range(lags), collapse = "_")
  past[[paste0("wet_", name)]] <- sum_of(wet, lags) * scale
  past[[paste0("temperature_", name)]] <- sum_of(ifelse(known, weather$temperature, 0), lags) * scale
}
past <- as.data.frame(past)
pressure_change <- if ("pressure" %in% entering) weather$pressure - shift(weather$pressure, 3) else rep(0, n)
used <- has_posts & complete.cases(weather[entering]) & complete.cases(past) & !is.na(pressure_change)

# The city's local time: hours since a Monday.
local <- as.POSIXlt(hours$hour[used], tz = zone)
clock <- as.POSIXct(format(local, "%Y-%m-%d %H:00"), format = "%Y-%m-%d %H:%M", tz = "UTC")
since_monday <- as.numeric(clock) / 3600 + 72
week <- since_monday %/% 168
hour_of_week <- since_monday %% 168

# Bins with fewer than 50 hours or 4 weeks are merged with their neighbours, from the ends inwards.
merged_bins <- function(values, limits, reference_value) {
  raw <- findInterval(values, limits)
  last_bin <- length(limits)
  suffices <- function(first, last) {
    members <- raw >= first & raw <= last
    sum(members) >= 50 && length(unique(week[members])) >= 4
  }
  enough <- Filter(function(b) suffices(b, b), 0:last_bin)
  wanted <- findInterval(reference_value, limits)
  reference <- if (length(enough)) enough[which.min(abs(enough - wanted))] else as.numeric(names(which.max(table(raw))))
  group <- rep(NA, last_bin + 1)
  first <- 0
  number <- 0
  for (b in seq_len(reference) - 1) {
    if (suffices(first, b)) {
      group[(first:b) + 1] <- number
      number <- number + 1
      first <- b + 1
    }
  }
  if (first < reference) group[(first:(reference - 1)) + 1] <- if (number > 0) number - 1 else "reference"
  group[reference + 1] <- "reference"
  last <- last_bin
  number <- -1
  for (b in rev(seq_len(last_bin - reference) + reference)) {
    if (suffices(b, last)) {
      group[(b:last) + 1] <- number
      number <- number - 1
      last <- b - 1
    }
  }
  if (last > reference) group[((reference + 1):last) + 1] <- if (number < -1) number + 1 else "reference"
  relevel(factor(group[raw + 1]), ref = "reference")
}

X <- data.frame(wet = wet[used])
limits <- list(temperature = seq(-90, 70, 5), humidity = c(20, 40, 60, 80), cloud = c(25, 50, 87.5))
inside <- list(temperature = 20, humidity = 50, cloud = 0)
for (name in intersect(names(limits), entering)) {
  bins <- merged_bins(weather[used, name], limits[[name]], inside[[name]])
  if (nlevels(bins) > 1) X[[paste0(name, "_bin")]] <- bins
}
if ("wind" %in% entering) X$wind <- weather$wind[used]
if ("pressure" %in% entering) X$pressure_change <- pressure_change[used]
X <- cbind(X, past[used, ])

# Fixed effects, and the inverse variances of the hours as weights.
effects <- if (sum(used) >= 6 * 168) {
  data.frame(hour_of_week = factor(hour_of_week), week = factor(week))
} else {
  data.frame(hour = factor(hour_of_week %% 24), day = factor(hour_of_week %/% 24), week = factor(week))
}
y <- hours$direct_feeling[used]
posts <- hours$posts[used]
error <- hours$direct_standard_error[used]
several <- !is.na(error) & posts >= 2
of_post <- sum(((posts - 1) * error^2 * posts)[several]) / sum((posts - 1)[several])
of_mean <- of_post / posts
levels_only <- lm(y ~ ., effects)
between <- max(sum(resid(levels_only)^2) / (length(y) - length(coef(levels_only))) - mean(of_mean), 0)
weights <- 1 / (between + of_mean)
weights <- weights / mean(weights)

fit <- lm(y ~ ., cbind(X, effects), weights = weights)
cat(sprintf("%d of %d hours enter, %d of them are wet\n", sum(used), n, sum(wet[used])))
cat(sprintf("In rain the feeling differs by, in classes: %.9f\n", coef(fit)[["wet"]]))
