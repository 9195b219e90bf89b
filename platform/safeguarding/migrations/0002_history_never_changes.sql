-- Row triggers, so that TRUNCATE, which empties a test's database, still works.

-- Counts only grow: the yearly report is made from them.
CREATE FUNCTION safeguarding_refuse_lower_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.count >= OLD.count
        AND (NEW.week_start, NEW.kind, NEW.level, NEW.protocol)
            = (OLD.week_start, OLD.kind, OLD.level, OLD.protocol)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A weekly count only grows.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER safeguarding_count_only_grows BEFORE UPDATE OR DELETE ON safeguarding_weeklycount
    FOR EACH ROW EXECUTE FUNCTION safeguarding_refuse_lower_count();


-- An incident's history never changes. Only a note may be emptied, when its teen's account is erased.
CREATE FUNCTION safeguarding_refuse_entry_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.note = ''
        AND (NEW.id, NEW.incident_id, NEW.kind, NEW.at, NEW.by_id_number, NEW.by_name, NEW.level)
            IS NOT DISTINCT FROM
            (OLD.id, OLD.incident_id, OLD.kind, OLD.at, OLD.by_id_number, OLD.by_name, OLD.level)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The history of an incident never changes.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER safeguarding_entry_never_changes BEFORE UPDATE OR DELETE ON safeguarding_incidententry
    FOR EACH ROW EXECUTE FUNCTION safeguarding_refuse_entry_change();


-- What an organization recorded about its review is evidence. Only the accounts it names may go.
CREATE FUNCTION safeguarding_refuse_review_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A record of human review never changes: write a new one.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER safeguarding_review_never_changes
    BEFORE DELETE OR UPDATE OF is_on, organization, responsible_name, deputy_ids, deputy_names, training, hours, legal_advice,
        escalate_after_minutes, excerpt_days, recorded_by_name, recorded_at
    ON safeguarding_humanreview FOR EACH ROW EXECUTE FUNCTION safeguarding_refuse_review_change();
