using System.ComponentModel;
using System.Globalization;
using System.Reflection;

namespace Comet.AspNetCore.Options;

/// <summary>What the text of a setting means, and what is wrong with it.</summary>
internal static class SettingText
{
    /// <summary>Whether a setting can be of this type.</summary>
    internal static bool CanRead(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type.IsEnum || type == typeof(string) || type == typeof(bool) || type == typeof(int) || type == typeof(long) ||
            type == typeof(TimeSpan);
    }

    /// <summary>The value of a text, or what is wrong with it. No text is null where that is allowed.</summary>
    internal static (object? Value, string? Fault) Read(string key, string? text, PropertyInfo setting)
    {
        var type = Nullable.GetUnderlyingType(setting.PropertyType) ?? setting.PropertyType;
        if (string.IsNullOrEmpty(text))
        {
            return MayBeNull(setting)
                ? (null, null)
                : (null, $"{key} is empty; give {(type.IsEnum ? NamesOf(type) : "a value")}, or leave the key out for the app's own.");
        }
        if (type == typeof(TimeSpan))
        {
            return TimeText.Read(key, text);
        }
        if (type == typeof(string))
        {
            return (text, null);
        }
        object? value = null;
        string wanted;
        if (type == typeof(bool))
        {
            value = bool.TryParse(text, out var truth) ? truth : null;
            wanted = "true or false";
        }
        else if (type == typeof(int))
        {
            value = int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : null;
            wanted = $"a whole number, at most {int.MaxValue}";
        }
        else if (type == typeof(long))
        {
            value = long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : null;
            wanted = $"a whole number, at most {long.MaxValue}";
        }
        else
        {
            // By name only: whoever reads the configuration cannot tell what a number stands for.
            var given = Enum.GetNames(type).FirstOrDefault(name => name.Equals(text.Trim(), StringComparison.OrdinalIgnoreCase));
            value = given is null ? null : Enum.Parse(type, given);
            wanted = NamesOf(type);
        }
        return value is null ? (null, $"{key} is \"{text}\"; it must be {wanted}.") : (value, null);
    }

    private static string NamesOf(Type enumeration)
    {
        var names = Enum.GetNames(enumeration);
        return names is [.. var others, var last] && others.Length > 0 ? $"{string.Join(", ", others)} or {last}" : names[0];
    }

    // A text may be null where its property says so: a policy may not, as removing one would leave a feed open to everybody.
    private static bool MayBeNull(PropertyInfo setting) =>
        Nullable.GetUnderlyingType(setting.PropertyType) is not null ||
        setting.GetCustomAttribute<DefaultValueAttribute>() is { Value: null };
}
