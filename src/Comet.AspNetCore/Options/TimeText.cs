using System.Globalization;

namespace Comet.AspNetCore.Options;

/// <summary>
/// Times as .NET reads them, except for those that it reads as days although no day is named: they are more likely a mistake.
/// </summary>
internal static class TimeText
{
    internal static (object? Value, string? Fault) Read(string key, string text)
    {
        var isTime = TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var read);
        if (isTime && IsNumber(text, out var number) && number > 0)
        {
            var asSeconds = $"\"{TimeSpan.FromSeconds(number):c}\" for {Count(number, "second")}";
            var days = Count(number, "day");
            return (null, $"{key} is \"{text}\", which .NET reads as {days}; write {asSeconds} or \"{read:c}\" for {days}.");
        }
        if (text.Split(':') is [var first, var minutes, var rest] && IsNumber(first, out var hours) && hours > 23 &&
            TimeSpan.TryParse($"00:{minutes}:{rest}", CultureInfo.InvariantCulture, out var afterHours))
        {
            var asHours = $"\"{TimeSpan.FromHours(hours) + afterHours:c}\" for {Count(hours, "hour")}";
            var days = Count(hours, "day");
            return (null, isTime
                ? $"{key} is \"{text}\", which .NET reads as {days}; write {asHours} or \"{read:c}\" for {days}."
                : $"{key} is \"{text}\", which .NET does not read as a time; write {asHours}.");
        }
        return isTime
            ? (read, null)
            : (null, $"{key} is \"{text}\"; it must be a time such as \"00:00:15\", or \"7.00:00:00\" for seven days.");
    }

    // At most seven digits, which as hours or days fit into a TimeSpan.
    private static bool IsNumber(string text, out int number) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out number) && number < 10_000_000;

    private static string Count(int number, string unit) => FormattableString.Invariant($"{number} {unit}{(number == 1 ? "" : "s")}");
}
